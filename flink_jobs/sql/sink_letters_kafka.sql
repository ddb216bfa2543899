-- The dead letters: the original bytes as value, the reason and its numbers as headers.
--
-- Guarantees: those of the feature sinks. The key names the record and the feature set, so that two
-- copies of a letter are recognised as one.
CREATE TEMPORARY TABLE letters_sink (
  letter_key BYTES,
  original BYTES,
  headers MAP<STRING, BYTES> METADATA
) WITH (
  'connector' = 'kafka',
  'topic' = '${target}',
  'properties.bootstrap.servers' = '${servers}',${security}
  'properties.transaction.timeout.ms' = '${transaction_timeout_ms}',
  'properties.max.request.size' = '${max_record_bytes}',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = '${group}-${target}',
  'sink.transaction-naming-strategy' = 'POOLING',
  'key.format' = 'raw',
  'key.fields' = 'letter_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
