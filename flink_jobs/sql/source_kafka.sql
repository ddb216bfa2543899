-- A Kafka topic, its records as bytes, so that no record can stop the job or vanish.
--
-- Guarantees: only committed records are read, each once, from where a checkpoint says; without a
-- checkpoint from the group's commits, which a start puts to the beginning of the log. An offset that the
-- log does not hold is an error (`auto.offset.reset` is `none`): going on elsewhere would lose the records
-- in between without a word.
-- Each partition has its own watermark, which Flink sends on a few times a second: it decides when a
-- window fires, and never what is in the window. The bound is one millisecond longer than the setting, so
-- that an event exactly that old is on time: SQL subtracts only what is written here.
-- `plain_event_ms` is null for a record that must not move the watermark: see `edges/plain_events.py`. MOD
-- makes 0 of an event time in the future, which moves nothing either; a CASE would search the payload
-- twice. A batch of records is in memory uncompressed, where a record may have ten megabytes: hence a
-- batch of 20.
-- Partitions that are added to the topic are read within ten seconds, each from its beginning; by default
-- Flink looks for them every five minutes.
CREATE TEMPORARY TABLE ${topic} (
  `key` BYTES,
  `value` BYTES,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  flink_clock TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  `timestamp` AS EXTRACT(EPOCH FROM flink_clock) * 1000 + EXTRACT(MILLISECOND FROM flink_clock),
  first_future_ms AS GREATEST(
    EXTRACT(EPOCH FROM flink_clock) * 1000 + EXTRACT(MILLISECOND FROM flink_clock) + ${max_future_ms} + 1,
    1
  ),
  plain_event_ms AS ${plain_event_ms},
  arrival AS PROCTIME(),
  WATERMARK FOR flink_clock AS TO_TIMESTAMP_LTZ(
    MOD(LEAST(plain_event_ms, first_future_ms), first_future_ms) - ${bound_ms} - 1, 3
  )
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic}',
  'properties.bootstrap.servers' = '${servers}',${security}
  'properties.group.id' = '${group}',
  'properties.isolation.level' = 'read_committed',
  'properties.auto.offset.reset' = 'none',
  'properties.max.poll.records' = '20',
  'scan.startup.mode' = 'group-offsets',
  'scan.topic-partition-discovery.interval' = '10 s',
  'scan.bounded.mode' = '${bounded}',
  'scan.watermark.emit.strategy' = 'on-periodic',
  'scan.watermark.idle-timeout' = '${idle_s} s',
  'key.format' = 'raw',
  'key.fields' = 'key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
