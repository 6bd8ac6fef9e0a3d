-- Mail comes in and goes out: what is known of each UID, the mails, what events keep of their invitations, and whom an
-- agent wrote to.

alter table events
  add column organiser_name text,
  add column extra text,
  add column sender_check text,
  add column asked_sequence integer not null default 0,
  add column recurrence_id text,
  add column withdrawn boolean not null default false;
drop index events_by_uid;
create unique index events_by_uid on events (calendar_id, uid, coalesce(recurrence_id, '')) where key = '';
create or replace view event_rows as
select calendar_id, id, key, title, description, location, metadata::text as metadata, status, transparency,
  all_day, start_wall, second_pass, zone, zone_given, instant_given, length_days, length_seconds, rule, rdates,
  start_counts, last_wall, last_second_pass, uid, client_id, sequence, exclusions, excluded_at, organiser_email, response, source, attendees::text as attendees,
  successor_id, successor_key, stored_from, stored_through, version, created_at, updated_at, organiser_name, extra,
  sender_check, asked_sequence, recurrence_id, withdrawn
from events;

-- Mail addresses are written in any case.
create index calendars_by_address on calendars (lower(id));

alter table changes drop constraint changes_type_check;
alter table changes add constraint changes_type_check check (type in (
    'event.created', 'event.updated', 'event.deleted', 'event.responded', 'invite.received', 'invite.updated',
    'invite.cancelled', 'attendee.replied', 'calendar.updated'));

alter table deliveries add column mail text;
create index deliveries_of_mail on deliveries (calendar_id, position) where mail is not null;

-- All that is known of one UID in one calendar by mail, as JSON text (app.core.itip). Kept also where nothing matches yet.
create table threads (
  calendar_id text not null references calendars on delete cascade,
  uid         text not null,
  thread      text not null,
  -- The Message-ID of the mail that brought the newest invitation, for answers to refer to.
  message_id  text,
  updated_at  timestamptz not null,
  primary key (calendar_id, uid)
);
create index threads_by_age on threads (updated_at);

-- Mail that came in: stored before it is interpreted, kept 30 days. One that waits is interpreted again when it is due.
create table mails (
  id          text primary key,
  calendar_id text not null references calendars on delete cascade,
  provider    text not null check (provider in ('postmark', 'agentmail')),
  -- The provider's name for it: the same again gets the first answer again.
  message_id  text not null,
  received_at timestamptz not null,
  sender      text,
  subject     text,
  -- What its provider said of the sender, and whether that is the organiser, as JSON text.
  sender_check text not null,
  -- What was sent, reduced to what may be needed, and deflated (app.inbound.mail).
  content     bytea not null,
  state       text not null check (state in ('waiting', 'done', 'failed')),
  attempts    integer not null default 0,
  due_at      timestamptz,
  -- What was answered, as JSON text.
  answer      text,
  unique (calendar_id, message_id),
  check ((due_at is not null) = (state = 'waiting'))
);
alter table mails alter content set storage external;
create index mails_by_calendar on mails (calendar_id, received_at, id);
create index mails_waiting on mails (due_at) where state = 'waiting';
create index mails_by_age on mails (received_at);

-- An agent's own mail server.
create table agent_smtp (
  agent_id        text primary key references agents on delete cascade,
  host            text not null,
  port            integer not null check (port between 1 and 65535),
  username        text not null,
  password_sealed bytea not null,
  sender          text not null,
  secure          boolean not null,
  updated_at      timestamptz not null
);

-- What an agent mailed over the deployment's transport, by day (UTC), and to whom ever.
create table mail_counts (
  agent_id       text not null references agents on delete cascade,
  day            date not null,
  mails          integer not null default 0,
  new_recipients integer not null default 0,
  primary key (agent_id, day)
);
create table mail_recipients (
  agent_id text not null references agents on delete cascade,
  address  text not null,
  first_at timestamptz not null,
  primary key (agent_id, address)
);
