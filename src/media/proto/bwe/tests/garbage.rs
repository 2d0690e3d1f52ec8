//! What no honest receiver reports.
