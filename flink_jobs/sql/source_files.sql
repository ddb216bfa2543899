-- A topic of a log file, in a file of its own as JSON lines whose bytes are base64.
--
-- Guarantees: every record arrives once, in the order of its partition, its bytes unharmed. The watermark
-- is held back until the file ends: it decides only when a window fires, never what is in the window.
CREATE TEMPORARY TABLE ${topic} (
  `key` BYTES,
  `value` BYTES,
  `partition` INT,
  `offset` BIGINT,
  `timestamp` BIGINT,
  flink_clock AS TO_TIMESTAMP_LTZ(0, 3),
  arrival AS PROCTIME(),
  WATERMARK FOR flink_clock AS CAST(NULL AS TIMESTAMP_LTZ(3))
) WITH (
  'connector' = 'filesystem',
  'path' = '${folder}/${topic}.jsonl',
  'format' = 'json'
)
