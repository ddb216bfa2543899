-- The rows of a feature set, keyed like their hashes in Redis.
--
-- Guarantees: exactly once, for readers of committed records (`isolation.level=read_committed`). Rows
-- appear when a checkpoint completes. Transactional ids are reused (POOLING): the broker remembers every
-- id for a week, and by default Flink makes a new one for each checkpoint. A header says what version the
-- row's meaning has.
CREATE TEMPORARY TABLE ${feature_set}_sink (
  redis_key STRING,
  feature_row STRING,
  headers MAP<STRING, BYTES> METADATA
) WITH (
  'connector' = 'kafka',
  'topic' = '${target}',
  'properties.bootstrap.servers' = '${servers}',${security}
  'properties.transaction.timeout.ms' = '${transaction_timeout_ms}',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = '${group}-${target}',
  'sink.transaction-naming-strategy' = 'POOLING',
  'key.format' = 'raw',
  'key.fields' = 'redis_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
