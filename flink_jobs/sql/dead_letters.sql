-- What no feature set, or not every one, could count: a row for each record and feature set that missed it.
--
-- Guarantees: with what the windows took, this accounts for every record. A record that is no event has
-- one row, of no feature set. The original goes along as it came, byte for byte.
CREATE TEMPORARY VIEW dead_letters AS
SELECT 'transactions' AS topic, 'fraud' AS feature_set, verdict AS reason,
  `partition`, `offset`, event_time, watermark_ms, `value`
FROM transactions_events WHERE verdict IN ('late', 'partial_late')
UNION ALL
SELECT 'clickstream', 'personalization', verdict,
  `partition`, `offset`, event_time, watermark_ms, `value`
FROM clickstream_events WHERE verdict IN ('late', 'partial_late')
UNION ALL
SELECT 'clickstream', 'session', 'late',
  `partition`, `offset`, event_time, watermark_ms, `value`
FROM clickstream_events
WHERE verdict NOT IN ('malformed', 'future_timestamp') AND event_time <= watermark_ms + 1
UNION ALL
SELECT 'transactions', CAST(NULL AS STRING), verdict,
  `partition`, `offset`, event_time, CAST(NULL AS BIGINT), `value`
FROM transactions_events WHERE verdict IN ('malformed', 'future_timestamp')
UNION ALL
SELECT 'clickstream', CAST(NULL AS STRING), verdict,
  `partition`, `offset`, event_time, CAST(NULL AS BIGINT), `value`
FROM clickstream_events WHERE verdict IN ('malformed', 'future_timestamp')
