//! Chapter D of the rules: deciding, at ingest.

mod house;

mod deciding {
    mod groups;
    mod people;
    mod principals;
    mod stamps;
    mod undecidable;
}
