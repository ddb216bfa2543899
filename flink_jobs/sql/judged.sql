-- Every record with the watermark that it is judged by.
--
-- Guarantees: judge, then advance. The watermark is the partition's own, from the largest event time
-- *before* the record; 0 stands for none, as every event time is far above. Flink's watermark is never
-- ahead of it, but for a partition that was called idle and has woken: what comes then behind Flink's
-- watermark would miss its windows without a trace, so it is judged by that one.
CREATE TEMPORARY VIEW ${topic}_judged AS
SELECT
  `value`,
  `partition`,
  `offset`,
  `timestamp`,
  decoded,
  GREATEST(
    COALESCE(seen_before_ms - ${bound_ms} - 1, 0),
    COALESCE(EXTRACT(EPOCH FROM flink_watermark) * 1000 + EXTRACT(MILLISECOND FROM flink_watermark), 0)
  ) AS watermark_ms
FROM (
  SELECT
    *,
    LAG(max_seen_ms) OVER (PARTITION BY `partition` ORDER BY arrival) AS seen_before_ms,
    CURRENT_WATERMARK(flink_clock) AS flink_watermark
  FROM ${topic}_clocked
)
