-- The fraud features: a row for every card and window with a payment in it.
--
-- Guarantees: a window holds exactly the events whose verdict left it open, so HOP itself drops nothing.
-- Sums are exact: a squared amount can be 10^18, which BIGINT holds only nine times. What is a fraction
-- is worked out by `finish_fraud`, from whole numbers, where the development processor does it too.
-- Stops are carried as lines, which are sorted there: an OVER in event time would drop rows. Merchants
-- and countries are counted there, too: COUNT(DISTINCT) would look each event up in RocksDB, once for
-- every window that it is in. A quoted text has no line break in it.
CREATE TEMPORARY VIEW fraud_rows AS
SELECT finished.redis_key, finished.feature_row
FROM (
  SELECT
    finish_fraud(
      card_id,
      EXTRACT(EPOCH FROM window_start) * 1000,
      EXTRACT(EPOCH FROM window_end) * 1000,
      LISTAGG(CONCAT_WS(
        ' ', CAST(event_time AS STRING), CAST(`offset` AS STRING), CAST(lat AS STRING), CAST(lon AS STRING),
        country, JSON_QUOTE(merchant_id)
      ), U&'\000A'),
      SUM(CAST(amount_cents * amount_cents AS DECIMAL(19, 0))),
      COUNT(*),
      SUM(amount_cents),
      MAX(amount_cents)
    ) AS finished
  FROM TABLE(HOP(
    (SELECT * FROM transactions_events WHERE verdict IN ('on_time', 'partial_late')),
    DESCRIPTOR(event_clock), ${slide}, ${size}
  ))
  WHERE EXTRACT(EPOCH FROM window_end) * 1000 - 1 > watermark_ms
  GROUP BY card_id, window_start, window_end
)
