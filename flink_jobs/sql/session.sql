-- The session features: a row for every visit of a user.
--
-- Guarantees: only events more than a millisecond ahead of the watermark are admitted. Sessions that
-- touch merge, and when Flink fires one depends on the slowest partition; with this rule no event
-- that is admitted can touch a session that has fired.
CREATE TEMPORARY VIEW session_rows AS
SELECT finished.redis_key, finished.feature_row
FROM (
  SELECT
    finish_session(
      user_id,
      MIN(event_time),
      MAX(event_time) + ${gap_ms},
      COUNT(*),
      COUNT(*) FILTER (WHERE event_type = 'page_view'),
      COUNT(*) FILTER (WHERE event_type = 'click'),
      COUNT(*) FILTER (WHERE event_type = 'add_to_cart'),
      COUNT(*) FILTER (WHERE event_type = 'purchase'),
      MIN(event_time),
      MAX(event_time),
      COALESCE(MIN(CASE WHEN event_type = 'page_view' THEN event_time END), 0),
      COALESCE(MAX(CASE WHEN event_type = 'page_view' THEN event_time END), 0)
    ) AS finished
  FROM TABLE(SESSION(
    (
      SELECT * FROM clickstream_events
      WHERE verdict NOT IN ('malformed', 'future_timestamp') AND event_time > watermark_ms + 1
    ) PARTITION BY user_id,
    DESCRIPTOR(event_clock), ${gap}
  ))
  GROUP BY user_id, window_start, window_end
)
