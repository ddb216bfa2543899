-- Every record with its event. What its partition has seen so far is left to Flink's watermark.
--
-- Guarantees: nothing about lateness. No state is kept here, so none is there after a restart.
CREATE TEMPORARY VIEW ${topic}_clocked AS
SELECT *, decode_${topic}(`key`, `value`) AS decoded FROM ${topic}
