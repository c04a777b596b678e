-- What two questions have in common: words alone, and words with any numbers in their places.
--
-- normalised_text(question)   letters and digits in lower case, single spaces between words
-- text_template(question)     the same with each number as #: problems that differ in numbers alone
--                             are one cluster
CREATE OR REPLACE MACRO normalised_text(question) AS
    trim(regexp_replace(lower(question), '[^\p{L}\p{N}]+', ' ', 'g'));
CREATE OR REPLACE MACRO text_template(question) AS
    trim(regexp_replace(
        lower(regexp_replace(question, '[0-9]+([.,][0-9]+)*', '#', 'g')), '[^\p{L}#]+', ' ', 'g'
    ));
