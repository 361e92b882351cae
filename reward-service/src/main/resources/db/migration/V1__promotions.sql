-- What the judge knows. Everything here can be read again from the topics: fact is the record as it stands there.

create table known_dataset (
    id   text primary key,
    fact text not null
);

create table known_checkpoint (
    id   text primary key,
    fact text not null
);

-- Every promotion, decided here or elsewhere. topic_offset is null until the record has come back from the topic; decided
-- counts up, and orders those that have not. announced_at is null until Kafka has acknowledged the record.
create table known_promotion (
    id           text primary key,
    model        text   not null,
    fact         text   not null,
    decided      bigint generated always as identity,
    topic_offset bigint,
    announced_at timestamptz
);

create index promotion_to_announce on known_promotion (decided) where announced_at is null;
