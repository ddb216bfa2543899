-- Sums by card in windows of 10 s, for events that are at most 4 s out of order.
CREATE TABLE payments (
  event_ms BIGINT,
  card STRING,
  amount BIGINT,
  rt AS TO_TIMESTAMP_LTZ(event_ms, 3),
  -- The largest time is W + 4.001 s, not W + 4 s: an event of that very time may still come.
  WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND
) WITH (${events});

SELECT card, window_start, window_end, SUM(amount) AS amount
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(rt), INTERVAL '10' SECOND))
GROUP BY card, window_start, window_end;
