-- The fraud features: a row for every card and window with a payment in it.
--
-- Guarantees: HOP itself drops nothing, because it takes only events with a window that is open. It
-- does nothing but collect lines: a filter between HOP and GROUP BY, or a column of `window_start` in
-- an aggregate, would make a copy of each event for each window, where HOP now keeps one in a pane.
-- ARRAY_AGG appends a line to a list; LISTAGG would copy the whole text of a pane for each line, which
-- a busy card would feel.
-- `finish_fraud` drops, window by window, the lines whose watermark had closed it, and gives no row
-- where none is left. All else it leaves to the aggregate of the development processor. A partition is
-- a stream of its own, so a card that is in two of them has a row for each.
CREATE TEMPORARY VIEW fraud_rows AS
SELECT finished.redis_key, finished.feature_row
FROM (
  SELECT finish_fraud(${arguments}) AS finished
  FROM (
    SELECT
      entity,
      EXTRACT(EPOCH FROM window_start) * 1000 AS start_ms,
      EXTRACT(EPOCH FROM window_end) * 1000 AS end_ms,
      ARRAY_JOIN(ARRAY_AGG(line), ',') AS lines
    FROM TABLE(HOP(
      (
        SELECT entity, `partition`, line, event_clock FROM transactions_events
        WHERE verdict IN ('on_time', 'partial_late')
      ),
      DESCRIPTOR(event_clock), ${slide}, ${size}
    ))
    GROUP BY entity, `partition`, window_start, window_end
  )
)
WHERE finished.redis_key IS NOT NULL
