-- Dead letters as records.
--
-- Guarantees: one record a letter. The key names the record and the feature set, the value is the original
-- byte for byte, and the headers say why. Python makes the three in one call.
INSERT INTO letters_sink
SELECT letter.letter_key, letter.original, letter.headers
FROM (SELECT dead_letter(${arguments}) AS letter FROM letters)
