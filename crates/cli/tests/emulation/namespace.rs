//! The namespace of the overlay composition, drawn, walked and compared.
