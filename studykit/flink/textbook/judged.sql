-- Every record with the watermark that it is judged by: the one that its source has just now.
--
-- Guarantees: nothing across a restart, where that watermark is null until every partition has
-- spoken, and nothing across partitions, where it belongs to a source and not to a partition. The
-- windows downstream go by another one.
CREATE TEMPORARY VIEW ${topic}_judged AS
SELECT
  `value`,
  `partition`,
  `offset`,
  `timestamp`,
  decoded,
  COALESCE(EXTRACT(EPOCH FROM flink_watermark) * 1000 + EXTRACT(MILLISECOND FROM flink_watermark), 0)
    AS watermark_ms
FROM (SELECT *, CURRENT_WATERMARK(flink_clock) AS flink_watermark FROM ${topic}_clocked)
