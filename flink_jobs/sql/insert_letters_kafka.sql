-- Dead letters as records.
--
-- Guarantees: one record a letter: its key says which, its value is the original, byte for byte, its
-- headers say why. Python writes the three in one call.
INSERT INTO letters_sink
SELECT letter.letter_key, letter.original, letter.headers
FROM (SELECT dead_letter(${arguments}) AS letter FROM letters)
