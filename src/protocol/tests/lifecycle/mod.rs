//! Scenarios: start, leave, retention, the server's own URL and the master list.

mod leave;
mod master_list;
mod master_list_upload;
mod own_url;
mod retention;
mod start;
