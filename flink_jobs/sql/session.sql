-- The session features: a row for every visit of a user.
--
-- Guarantees: only events more than a millisecond ahead of the watermark are admitted. Sessions that
-- touch merge, and the slowest partition decides when Flink fires one; by this rule no admitted event
-- can touch a session that has fired. A visit has no longest duration, so SQL counts its events here:
-- lines would make the state grow with every click. A visit belongs to one partition, as every window
-- does. `visitor` is one column of two, because Flink writes the text of a view anew and loses the
-- brackets around a PARTITION BY of two columns.
CREATE TEMPORARY VIEW session_rows AS
SELECT finished.redis_key, finished.feature_row
FROM (
  SELECT finish_session(${arguments}) AS finished
  FROM (
    SELECT
      MIN(entity) AS entity,
      MIN(event_time) AS start_ms,
      MAX(event_time) + ${gap_ms} AS end_ms,
      COUNT(*) AS events,
      COUNT(*) FILTER (WHERE event_type = 'page_view') AS page_views,
      COUNT(*) FILTER (WHERE event_type = 'click') AS clicks,
      COUNT(*) FILTER (WHERE event_type = 'add_to_cart') AS add_to_carts,
      COUNT(*) FILTER (WHERE event_type = 'purchase') AS purchases,
      MIN(event_time) AS first_ms,
      MAX(event_time) AS last_ms,
      COALESCE(MIN(CASE WHEN event_type = 'page_view' THEN event_time END), 0) AS first_view_ms,
      COALESCE(MAX(CASE WHEN event_type = 'page_view' THEN event_time END), 0) AS last_view_ms
    FROM TABLE(SESSION(
      (
        SELECT
          CONCAT(CAST(`partition` AS STRING), '/', entity) AS visitor,
          entity,
          event_time,
          event_type,
          event_clock
        FROM clickstream_events
        WHERE verdict NOT IN ('malformed', 'future_timestamp') AND event_time > watermark_ms + 1
      ) PARTITION BY visitor,
      DESCRIPTOR(event_clock), ${gap}
    ))
    GROUP BY visitor, window_start, window_end
  )
)
