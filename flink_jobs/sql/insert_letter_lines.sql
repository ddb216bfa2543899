-- Dead letters as lines.
--
-- Guarantees: one line a letter, in no order; who collects them sorts. Python writes what depends on more
-- than one column, the same function as for Kafka, so that the two cannot disagree.
INSERT INTO dead_letters_sink
SELECT dead_letter_line(${arguments}) FROM letters
