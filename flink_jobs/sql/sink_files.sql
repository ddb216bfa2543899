-- Rows of text, one a line, in a folder of their own.
--
-- Guarantees: every row once, and none half, once the job has ended.
CREATE TEMPORARY TABLE ${name}_sink (
  line STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${folder}/${name}',
  'format' = 'raw'
)
