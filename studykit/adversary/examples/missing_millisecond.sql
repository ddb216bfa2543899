-- Wrong: the watermark is a millisecond early, so an event at its very bound is late.
CREATE TABLE payments (
  event_ms BIGINT,
  card STRING,
  amount BIGINT,
  rt AS TO_TIMESTAMP_LTZ(event_ms, 3),
  WATERMARK FOR rt AS rt - INTERVAL '4' SECOND
) WITH (${events});

SELECT card, window_start, window_end, SUM(amount) AS amount
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(rt), INTERVAL '10' SECOND))
GROUP BY card, window_start, window_end;
