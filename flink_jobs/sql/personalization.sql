-- The personalization features: a row for every user and window with a click in it.
--
-- Guarantees: as for fraud. A window holds exactly the events whose verdict left it open, and the items
-- are carried as lines, for `finish_personalization` to count the distinct ones.
CREATE TEMPORARY VIEW personalization_rows AS
SELECT finished.redis_key, finished.feature_row
FROM (
  SELECT
    finish_personalization(
      user_id,
      EXTRACT(EPOCH FROM window_start) * 1000,
      EXTRACT(EPOCH FROM window_end) * 1000,
      LISTAGG(JSON_QUOTE(item_id), U&'\000A'),
      COUNT(*) FILTER (WHERE event_type = 'impression'),
      COUNT(*) FILTER (WHERE event_type = 'page_view'),
      COUNT(*) FILTER (WHERE event_type = 'click'),
      COUNT(*) FILTER (WHERE event_type = 'add_to_cart'),
      COUNT(*) FILTER (WHERE event_type = 'purchase'),
      COALESCE(SUM(amount_cents), 0),
      MAX(event_time)
    ) AS finished
  FROM TABLE(HOP(
    (SELECT * FROM clickstream_events WHERE verdict IN ('on_time', 'partial_late')),
    DESCRIPTOR(event_clock), ${slide}, ${size}
  ))
  WHERE EXTRACT(EPOCH FROM window_end) * 1000 - 1 > watermark_ms
  GROUP BY user_id, window_start, window_end
)
