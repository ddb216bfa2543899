-- Dead letters as lines.
--
-- Guarantees: one line a letter, in no order; `FileEdges.collect` sorts the lines. One Python function
-- writes letters here and for Kafka, so that the two cannot disagree.
INSERT INTO dead_letters_sink
SELECT dead_letter_line(${arguments}) FROM letters
