-- What an agent has ended since midnight is counted whenever their overview is shown. By the index of when conversations
-- were opened, every conversation they ever had was looked at for it. An expansion only.

create index conversations_by_closing on conversations (last_agent, ended_at) where ended_at is not null;
