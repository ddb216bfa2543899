-- The personalization features: a row for every user and window with a click in it.
--
-- Guarantees: those of `fraud.sql`. HOP collects lines, and `finish_personalization` does the rest.
CREATE TEMPORARY VIEW personalization_rows AS
SELECT finished.redis_key, finished.feature_row
FROM (
  SELECT finish_personalization(${arguments}) AS finished
  FROM (
    SELECT
      entity,
      EXTRACT(EPOCH FROM window_start) * 1000 AS start_ms,
      EXTRACT(EPOCH FROM window_end) * 1000 AS end_ms,
      ARRAY_JOIN(ARRAY_AGG(line), ',') AS lines
    FROM TABLE(HOP(
      (
        SELECT entity, `partition`, line, event_clock FROM clickstream_events
        WHERE verdict IN ('on_time', 'partial_late')
      ),
      DESCRIPTOR(event_clock), ${slide}, ${size}
    ))
    GROUP BY entity, `partition`, window_start, window_end
  )
)
WHERE finished.redis_key IS NOT NULL
