-- Wrong: grouped by the window's start alone, this is no window aggregation. Nothing ever closes, so
-- late events are counted, too, and state is kept for ever.
CREATE TABLE payments (
  event_ms BIGINT,
  card STRING,
  amount BIGINT,
  rt AS TO_TIMESTAMP_LTZ(event_ms, 3),
  WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND
) WITH (${events});

SELECT card, window_start, SUM(amount) AS amount
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(rt), INTERVAL '10' SECOND))
GROUP BY card, window_start;
