package config

// defaults is the lowest layer, as an operator would write it.
func defaults() map[string]any {
	return map[string]any{
		"server": map[string]any{"listen": "127.0.0.1:8443", "basePath": "/", "maxConnections": 10_000},
		"tls":    map[string]any{"profile": "intermediate"},
		"directory": map[string]any{
			"identity": "proxied", "connectTimeout": "3s", "idleGap": "30s", "balance": "failover", "writeCoherence": "0s",
			"bind": map[string]any{"mechanism": "simple"},
			"pool": map[string]any{
				"max": 24, "minIdle": 1, "callers": 64, "idleTime": "5m", "maxAge": "1h", "ageGap": "10s", "maxOperations": 100_000_000,
				"acquireTimeout": "10s", "queue": 1000, "dials": 2, "binds": 16, "heartbeat": "10s", "probeTimeout": "3s",
			},
		},
		"mapping": map[string]any{"options": map[string]any{
			"useMvcc": true, "readOnUpdatePolicy": "controls", "useSubtreeDelete": true, "usePermissiveModify": true, "localSortMaxEntries": 10_000,
		}},
		"auth": map[string]any{"realm": "rest2ldap"},
		"limits": map[string]any{
			"body": "1MiB", "part": "1MiB", "depth": 64, "pageSize": 1000, "requestTimeout": "30s", "queryTimeout": "5m", "queries": 4, "references": 1000,
		},
	}
}

// optionalDefaults are the defaults of sections that are off when they are not
// there, by the path of the section.
func optionalDefaults() map[string]map[string]any {
	return map[string]map[string]any{
		"auth.basic":  {"cache": "30s"},
		"auth.bearer": {"algorithms": []string{"RS256", "PS256", "ES256"}, "types": []string{"at+jwt"}, "leeway": "60s"},

		"auth.bearer.introspection": {"timeout": "2s", "cache": "0s", "cacheSize": 1000},
	}
}
