//! Members of JSON objects, with a reason where one is not as it must be.
