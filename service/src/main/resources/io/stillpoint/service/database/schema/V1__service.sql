-- Instants are milliseconds since 1970 (UTC). Texts for people are in the root language. docs/service.md tells what each is for.

create table policy (
    name       text   not null primary key,
    -- As JSON, complete.
    body       text   not null,
    changed_at bigint not null
);

create table vm (
    host           text    not null,
    id             text    not null,
    -- What the hypervisor calls it now.
    name           text    not null,
    power          text    not null,
    -- Why nothing is known of it now; null if it answers.
    trouble        text,
    -- JSON: an object of texts.
    tags           text    not null,
    first_seen_at  bigint  not null,
    seen_at        bigint  not null,
    -- Null: none.
    policy         text,
    -- 1 if somebody chose the policy, or chose that there is none; 0 if the policy chose the VM.
    by_hand        integer not null,
    -- What its points are called; null before the first job.
    point_name     text,
    -- Where they are, or will be; null before the first protection.
    vault          text,
    -- Slots before this don't count; null while it is not protected.
    protected_since bigint,
    primary key (host, id)
);

create index vm_by_point_name on vm (vault, point_name);

create table job (
    id           text    not null primary key,
    host         text    not null,
    vm           text    not null,
    vault        text    not null,
    -- Null for a VM without one.
    policy       text,
    -- What it is for: schedule, demand.
    cause        text    not null,
    -- The slot, or when it was asked for.
    due_at       bigint  not null,
    deadline     bigint  not null,
    -- On demand: until when the point is kept; null: until somebody deletes it.
    keep_until   bigint,
    reason       text,
    -- queued, running, waiting, retrying, made, failed, cancelled
    state        text    not null,
    attempts     integer not null,
    cancel_asked integer not null,
    created_at   bigint  not null,
    started_at   bigint,
    ended_at     bigint,
    retry_at     bigint,
    -- The engine's last journal record, and the snapshot that it names.
    record       text,
    snapshot     text,
    point        text,
    -- Of the last failure.
    code         text,
    message      text,
    -- What it came to; null until the point is made, and for what nobody measured.
    read_bytes     bigint,
    stored_bytes   bigint,
    transfer_ms    bigint,
    scratch_bytes  bigint,
    held_ms        bigint
);
create index job_of_vm on job (host, vm, due_at);
create index job_by_state on job (state);
create index job_by_end on job (ended_at);

create table job_event (
    job     text    not null references job (id) on delete cascade,
    number  integer not null,
    at      bigint  not null,
    -- step, warning, note, state, why
    kind    text    not null,
    code    text    not null,
    message text    not null,
    primary key (job, number)
);

-- What the vaults hold, as far as retention needs to know it. Can be made from the vaults again.
create table point (
    vault       text   not null,
    id          text   not null,
    vm          text   not null,
    -- The id of the VM that it is of; empty if the point does not tell.
    machine     text   not null,
    ordinal     bigint not null,
    snapshot_at bigint not null,
    consistency text   not null,
    cause       text   not null,
    -- Bytes of all its disks.
    size        bigint not null,
    keep_until  bigint,
    pin         text,
    locked_until bigint,
    primary key (vault, id)
);
create index point_of_vm on point (vault, vm, ordinal);
create index point_of_machine on point (vault, machine);

create table care (
    vault    text   not null,
    -- forget, prune, verify
    kind     text   not null,
    ended_at bigint not null,
    -- Null if it went well.
    code     text,
    message  text   not null,
    primary key (vault, kind)
);

-- What somebody should look at, as the server of this name saw it.
create table alert (
    server    text   not null,
    -- A VM (HOST/ID), a vault or a job.
    subject   text   not null,
    code      text   not null,
    opened_at bigint not null,
    -- Null while it lasts.
    closed_at bigint,
    message   text   not null,
    primary key (server, subject, code, opened_at)
);
create index alert_by_end on alert (closed_at);

-- Belongs to db-scheduler, which says what must be in it.
create table scheduled_tasks (
    task_name            varchar(200) not null,
    task_instance        varchar(200) not null,
    task_data            ${blob},
    execution_time       ${instant} not null,
    picked               ${truth} not null,
    picked_by            varchar(200),
    last_success         ${instant},
    last_failure         ${instant},
    consecutive_failures int,
    last_heartbeat       ${instant},
    version              bigint not null,
    priority             smallint,
    primary key (task_name, task_instance)
);
create index execution_time_idx on scheduled_tasks (execution_time);
create index last_heartbeat_idx on scheduled_tasks (last_heartbeat);
