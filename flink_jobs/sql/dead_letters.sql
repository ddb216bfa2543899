-- The dead letters: a row for each record that was not counted, and each feature set that missed it.
--
-- Guarantees: the rows and the events in windows account for every record. A record that is no event has
-- one row, of no feature set. The original is kept byte for byte. UNION ALL matches columns by their
-- place and not by their name, so every part lists its columns in one order.
CREATE TEMPORARY VIEW dead_letters AS
SELECT 'transactions' AS topic, 'fraud' AS feature_set, verdict AS reason,
  `partition`, `offset`, event_time AS event_ms, watermark_ms, `value` AS original
FROM transactions_events WHERE verdict IN ('late', 'partial_late')
UNION ALL
SELECT 'clickstream' AS topic, 'personalization' AS feature_set, verdict AS reason,
  `partition`, `offset`, event_time AS event_ms, watermark_ms, `value` AS original
FROM clickstream_events WHERE verdict IN ('late', 'partial_late')
UNION ALL
SELECT 'clickstream' AS topic, 'session' AS feature_set, 'late' AS reason,
  `partition`, `offset`, event_time AS event_ms, watermark_ms, `value` AS original
FROM clickstream_events
WHERE verdict NOT IN ('malformed', 'future_timestamp') AND event_time <= watermark_ms + 1
UNION ALL
SELECT 'transactions' AS topic, CAST(NULL AS STRING) AS feature_set, verdict AS reason,
  `partition`, `offset`, event_time AS event_ms, CAST(NULL AS BIGINT) AS watermark_ms,
  `value` AS original
FROM transactions_events WHERE verdict IN ('malformed', 'future_timestamp')
UNION ALL
SELECT 'clickstream' AS topic, CAST(NULL AS STRING) AS feature_set, verdict AS reason,
  `partition`, `offset`, event_time AS event_ms, CAST(NULL AS BIGINT) AS watermark_ms,
  `value` AS original
FROM clickstream_events WHERE verdict IN ('malformed', 'future_timestamp')
