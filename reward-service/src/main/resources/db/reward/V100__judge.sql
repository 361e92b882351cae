-- What the judge knows beside what every service that trains knows. Everything here can be read again from the topics:
-- fact is the record as it stands there.

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

-- Reward models that asked for PPO, once the broker has acknowledged the request.
create table asked (
    reward_model text primary key,
    run          text not null
);

-- The last decision on each candidate, as it stands on promotion-decisions.
create table decision (
    candidate text primary key,
    outcome   text not null,
    fact      text not null
);

-- What reward models thought of generations, and the offset each reads next.
create table score (
    generation   text not null,
    reward_model text not null,
    request      text not null,
    checkpoint   text not null,
    value        double precision not null,
    primary key (generation, reward_model)
);

create index score_of_checkpoint on score (reward_model, checkpoint, request);

create table scored_until (
    reward_model text   not null,
    partition    int    not null,
    next_offset  bigint not null,
    primary key (reward_model, partition)
);
