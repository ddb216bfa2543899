-- Dead letters as records.
INSERT INTO letters_sink
SELECT letter.letter_key, letter.original, letter.headers
FROM (
  SELECT dead_letter(
    reason, feature_set, topic, `partition`, `offset`, event_time, watermark_ms, `value`
  ) AS letter
  FROM letters
)
