-- What no feature set, or not every one, could count: a row for each record and feature set that missed it.
--
-- Guarantees: with what the windows took, this accounts for every record. A record that is no event has
-- one row, of no feature set. The original goes along as it came, byte for byte. UNION ALL goes by
-- place, so every part names its columns, in one order.
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
