-- Every record with its event, and with the largest event time that its partition has seen up to it.
--
-- Guarantees: the maximum is state, keyed by partition. A checkpoint holds it, so a restart judges on as
-- if nothing had happened. Malformed records and those from the future do not move it. It never expires:
-- a maximum forgotten would let late events in again. A processing-time OVER drops no row. The columns
-- stand one by one, because OVER would carry all others along, and have them computed. The salt goes
-- with the partition's number into the key, so that every subtask gets its share: see `spread.py`.
CREATE TEMPORARY VIEW ${topic}_clocked AS
SELECT
  `value`,
  salt,
  `partition`,
  `offset`,
  `timestamp`,
  arrival,
  flink_clock,
  decoded,
  MAX(CASE WHEN decoded.event_time <= `timestamp` + ${max_future_ms} THEN decoded.event_time END)
    OVER (PARTITION BY salt, `partition` ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    AS max_seen_ms
FROM (
  SELECT
    `value`,
    ${salts} AS salt,
    `partition`,
    `offset`,
    `timestamp`,
    arrival,
    flink_clock,
    decode_${topic}(`key`, `value`) AS decoded
  FROM ${topic}
)
