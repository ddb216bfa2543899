-- Dead letters as lines.
INSERT INTO dead_letters_sink
SELECT dead_letter_line(
  reason, feature_set, topic, `partition`, `offset`, event_time, watermark_ms, `value`
)
FROM letters
