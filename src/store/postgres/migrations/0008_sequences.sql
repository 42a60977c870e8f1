-- A visitor's sequence is counted in the row of the conversation, in the transaction that writes the entry, and an entry
-- is found by its position: the index cost every entry a second page of the log. Programs that still look by it find the
-- same, more slowly.

drop index entries_visitor_sequence;
