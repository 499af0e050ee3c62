// The extension as an installed thing: its files, its version, whether snapshots are allowed.
#pragma once

#include "answer.h"

// The verbs of docs/extensions.md. Each may be run again at any time.
struct outcome package_verify(void);
struct outcome package_install(void);
struct outcome package_enable(void);
struct outcome package_disable(void);
struct outcome package_update(const char *from);
struct outcome package_uninstall(void);

// Success if this version is installed and enabled.
struct outcome package_allows_snapshots(void);

// Adds state, healthy and checks to an answer; returns what is to be answered.
struct outcome package_health(struct text *text);

// Room for what package_health adds.
enum { HEALTH_LENGTH_MAX = 32 << 10 };
