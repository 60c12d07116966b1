//! How often: rate limits in bounded memory. It knows no HTTP and makes no answers.
