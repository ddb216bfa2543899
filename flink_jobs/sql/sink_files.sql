-- Rows of text, one a line, in a folder of their own.
--
-- Guarantees: once the job has ended, every row is there once, and none is cut.
CREATE TEMPORARY TABLE ${name}_sink (
  line STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${folder}/${name}',
  'format' = 'raw'
)
