-- Every record with the watermark that it is judged by.
--
-- Guarantees: judge, then advance. The watermark is the partition's own; 0 stands for none, as every
-- event time is far above 0. With a bound of at least a millisecond the largest event time may include
-- the record itself: a record that sets the maximum is behind nothing. Only bound 0 has to look at the
-- record before, which costs more.
-- Flink's watermark is ahead of the partition's in one case only: the partition was called idle and has
-- woken. Its events behind Flink's watermark would miss their windows without a trace, so they are judged
-- by Flink's watermark. A source forgets that watermark in a restart and the windows do not; `restored_ms`
-- is where the windows were. This is the only difference from the development processor, which knows no
-- idle partition: there these events count, and here their dead letters list what they missed.
CREATE TEMPORARY VIEW ${topic}_judged AS
SELECT
  `value`,
  `partition`,
  `offset`,
  `timestamp`,
  decoded,
  GREATEST(
    COALESCE(seen_ms - ${bound_ms} - 1, 0),
    COALESCE(EXTRACT(EPOCH FROM flink_watermark) * 1000 + EXTRACT(MILLISECOND FROM flink_watermark), 0),
    ${restored_ms}
  ) AS watermark_ms
FROM (
  SELECT *, ${seen_ms} AS seen_ms, CURRENT_WATERMARK(flink_clock) AS flink_watermark
  FROM ${topic}_clocked
)
