-- A Kafka topic, its records as bytes, so that no record can stop the job or vanish.
--
-- Guarantees: only committed records are read, each once, from the beginning of the log or from where a
-- checkpoint says. The watermark belongs to a partition and follows every record, not a clock; the
-- bound is one millisecond longer than the setting, so that an event exactly that old is on time.
-- `plain_event_ms` is null for what cannot move it: see `job_clock.py`.
CREATE TEMPORARY TABLE ${topic} (
  `key` BYTES,
  `value` BYTES,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  flink_clock TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  `timestamp` AS EXTRACT(EPOCH FROM flink_clock) * 1000 + EXTRACT(MILLISECOND FROM flink_clock),
  plain_event_ms AS ${plain_event_ms},
  arrival AS PROCTIME(),
  WATERMARK FOR flink_clock AS CASE
    WHEN plain_event_ms <= `timestamp` + ${max_future_ms}
    THEN TO_TIMESTAMP_LTZ(plain_event_ms - ${bound_ms} - 1, 3)
  END
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic}',
  'properties.bootstrap.servers' = '${servers}',
  'properties.group.id' = '${group}',
  'properties.isolation.level' = 'read_committed',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = '${bounded}',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '${idle_s} s',
  'key.format' = 'raw',
  'key.fields' = 'key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
