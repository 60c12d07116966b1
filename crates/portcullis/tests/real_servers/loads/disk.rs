//! Promise P10: the decision log on a disk that is full, and is not any more.
