-- Every record with one verdict: malformed, future_timestamp, late, partial_late or on_time.
--
-- Guarantees: no record is dropped and none has two verdicts. A window is missed once the watermark has
-- reached the window's last millisecond. `first_end_ms` is the end of the first window that holds the
-- event; each further window ends a slide later. A line is a JSON array of what a window needs: the
-- watermark by which the event was judged, the event's offset, and its fields as `decode` wrote them.
CREATE TEMPORARY VIEW ${topic}_routed AS
SELECT
  `value`,
  `partition`,
  `offset`,
  watermark_ms,
  ${columns},
  CONCAT('[', CAST(${line_watermark_ms} AS STRING), ',', CAST(`offset` AS STRING), ',', fields, ']')
    AS line,
  CASE
    WHEN event_time IS NULL THEN 'malformed'
    WHEN event_time > `timestamp` + ${max_future_ms} THEN 'future_timestamp'
    WHEN first_end_ms + ${size_ms} - ${slide_ms} - 1 <= watermark_ms THEN 'late'
    WHEN first_end_ms - 1 <= watermark_ms THEN 'partial_late'
    ELSE 'on_time'
  END AS verdict
FROM (
  SELECT
    *,
    ${decoded_columns},
    decoded.fields AS fields,
    decoded.event_time - MOD(decoded.event_time, ${slide_ms}) + ${slide_ms} AS first_end_ms
  FROM ${topic}_judged
)
