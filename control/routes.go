package control

import (
	"net/http"
	"slices"

	"fairlead"
)

// route is a row of the table of the API.
type route struct {
	method, path string
	level        fairlead.Level // that the token needs; "" = no token
	handle       func(*Control, *ask) (any, error)
	id           string // operation id of the OpenAPI document
	summary      string
	query        []param
	body         any    // a value of the type that the body is read into; nil = there is none
	takes        string // what the body is, where it is no plain JSON object: takesDocument, takesPatch
	optional     bool   // the body may be left out
	answer       any    // a value of the type of the answer
	gives        string // media type of an answer that is not JSON alone
	status       int    // of the answer; 0 = 200
	ends         bool   // takes from somebody what he may: there is room for it whatever else is written
	search       bool   // looks through records: few at once, so that they leave the store to others
	follows      bool   // goes on until the caller leaves
	walk         bool   // goes through everything there is: few at once, no bound in time but the caller's
}

// What a body is, where it is no plain JSON object.
const (
	takesDocument = "document" // a configuration as YAML or JSON
	takesPatch    = "patch"    // a JSON merge patch
)

func (r *route) success() int {
	if r.status != 0 {
		return r.status
	}
	return http.StatusOK
}

// write reports whether the row changes anything.
func (r *route) write() bool { return r.method != http.MethodGet }

// reads reports whether the row takes a body.
func (r *route) reads() bool { return r.body != nil || r.takes != "" }

// param is a query parameter.
type param struct {
	name  string
	text  string
	oneOf []string // values that it takes; none = any
	most  int      // of a number from 1; 0 = it is none
}

var (
	why    = param{name: "why", text: "The reason, for the revision and the audit; the header X-Fairlead-Why says the same"}
	wait   = param{name: "wait", text: "all = answer when every live node stands at the change, after 2 seconds at most; who is behind is listed", oneOf: []string{"all"}}
	dryRun = param{name: "dry_run", text: "true = tell what would change, and change nothing", oneOf: []string{"true", "false"}}
	format = param{name: "format", text: "yaml = the document alone, as YAML", oneOf: []string{"yaml", "json"}}
	limit  = param{name: "limit", text: "The length of a page", most: pageSize}
	before = param{name: "before", text: "List from the one before this number", most: maxNumber}
	after  = param{name: "after", text: "List from the one after this id"}

	ofAccount = param{name: "account", text: "Of this account, by its id"}
	ofTeam    = param{name: "team", text: "With account: of this team of it"}

	percent = param{name: "percent", text: "Try it on so many percent of the exchanges first", most: 99}
	hold    = param{name: "hold", text: "With percent: how long it is tried, such as 10m, before it takes the place of what is in force"}
	guard   = param{name: "guard", text: "With percent: what must hold meanwhile, such as error_rate<2% and ttft_p95<1.5x; docs/steering.md tells the language"}

	writing = []param{why, wait, dryRun}
	trying  = append(slices.Clip(writing), percent, hold, guard)
	noting  = []param{why, wait}
)

// pageSize is how much one answer lists at most.
const pageSize = 1000

// maxNumber is the largest number that JSON carries everywhere.
const maxNumber = 1<<53 - 1

const v1 = "/control/v1/"

// routes is the whole API but for /metrics.
func routes() []route {
	const viewer, operator, admin = fairlead.LevelViewer, fairlead.LevelOperator, fairlead.LevelAdmin
	return append([]route{
		{method: "GET", path: "/livez", handle: (*Control).livez, id: "livez", summary: "Whether the process serves", answer: livezAnswer{}},
		{method: "GET", path: v1 + "openapi.json", level: viewer, handle: (*Control).getOpenAPI, id: "getOpenAPI", summary: "This document", answer: map[string]any{}},

		{method: "GET", path: v1 + "config", level: viewer, handle: (*Control).getConfig, id: "getConfig", summary: "The configuration", query: []param{format}, answer: configAnswer{}, gives: yamlType},
		{method: "PUT", path: v1 + "config", level: operator, handle: (*Control).putConfig, id: "putConfig", summary: "Replace the configuration, or try another one", query: trying, takes: takesDocument, answer: Written{}},
		{method: "PATCH", path: v1 + "config", level: operator, handle: (*Control).patchConfig, id: "patchConfig", summary: "Change a part of the configuration (RFC 7396), or try that", query: trying, takes: takesPatch, answer: Written{}},

		{method: "GET", path: v1 + "revisions", level: viewer, handle: (*Control).listRevisions, id: "listRevisions", summary: "Revisions, the newest first", query: []param{before, limit}, answer: revisionsAnswer{}},
		{method: "POST", path: v1 + "revisions/rollback", level: operator, handle: (*Control).rollback, id: "rollback", summary: "Go back to the last revision that held all traffic and was not undone", query: writing, body: whyBody{}, optional: true, answer: Written{}},
		{method: "GET", path: v1 + "revisions/{n}", level: viewer, handle: (*Control).getRevision, id: "getRevision", summary: "A revision with its document", query: []param{format}, answer: revisionAnswer{}, gives: yamlType},
		{method: "POST", path: v1 + "revisions/{n}/rollback", level: operator, handle: (*Control).rollback, id: "rollbackTo", summary: "Go back to a revision", query: writing, body: whyBody{}, optional: true, answer: Written{}},
		{method: "GET", path: v1 + "revisions/{a}/diff/{b}", level: viewer, handle: (*Control).diffRevisions, id: "diffRevisions", summary: "What the second revision has otherwise", answer: diffAnswer{}},

		{method: "GET", path: v1 + "endpoints", level: viewer, handle: (*Control).endpointsOfFleet, id: "listEndpoints", summary: "Endpoints of the configuration, as this node and the fleet see them", answer: endpointsAnswer{}},
		{method: "PATCH", path: v1 + "endpoints/{id...}", level: operator, handle: (*Control).patchEndpoint, id: "patchEndpoint", summary: "Set an endpoint's weight, at once or by a ramp; drain it or end that", query: writing, body: endpointBody{}, answer: Written{}},
		{method: "GET", path: v1 + "ramps", level: viewer, handle: (*Control).listRamps, id: "listRamps", summary: "Ramps, the newest first", query: []param{limit}, answer: rampsAnswer{}},
		{method: "GET", path: v1 + "ramps/{id}", level: viewer, handle: (*Control).getRamp, id: "getRamp", summary: "A ramp", answer: rampStatus{}},
		{method: "DELETE", path: v1 + "ramps/{id}", level: operator, handle: (*Control).stopRamp, id: "stopRamp", summary: "End a ramp where it is", query: writing, answer: Written{}},
		{method: "GET", path: v1 + "trial", level: viewer, handle: (*Control).getTrial, id: "getTrial", summary: "The trial under way, else the last one", answer: trialStatus{}},
		{method: "POST", path: v1 + "trial/promote", level: operator, handle: (*Control).promoteTrial, id: "promoteTrial", summary: "Put what is being tried in force", query: writing, body: whyBody{}, optional: true, answer: Written{}},
		{method: "POST", path: v1 + "trial/drop", level: operator, handle: (*Control).dropTrial, id: "dropTrial", summary: "End the trial; what was in force stays", query: writing, body: whyBody{}, optional: true, answer: Written{}},
		{method: "DELETE", path: v1 + "health", level: operator, handle: (*Control).forgetHealth, id: "forgetHealth", summary: "Forget what is held against endpoints, on this node and on all live edges", query: []param{why}, answer: forgottenAnswer{}},

		{method: "GET", path: v1 + "accounts", level: viewer, handle: (*Control).listAccounts, id: "listAccounts", summary: "Accounts in the order of their creation", query: []param{after, limit}, answer: accountsAnswer{}},
		{method: "POST", path: v1 + "accounts", level: admin, handle: (*Control).createAccount, id: "createAccount", summary: "Make an account", query: noting, body: accountBody{}, answer: accountAnswer{}, status: 201},
		{method: "GET", path: v1 + "accounts/{id}", level: viewer, handle: (*Control).getAccount, id: "getAccount", summary: "An account", answer: accountAnswer{}},
		{method: "PATCH", path: v1 + "accounts/{id}", level: admin, handle: (*Control).patchAccount, id: "patchAccount", summary: "Change an account", query: noting, body: accountPatch{}, answer: accountAnswer{}},
		{method: "POST", path: v1 + "accounts/{id}/close", level: admin, ends: true, handle: (*Control).closeAccount, id: "closeAccount", summary: "Close an account for good: all its keys are refused", query: noting, body: whyBody{}, optional: true, answer: accountAnswer{}},
		{method: "GET", path: v1 + "accounts/{id}/teams", level: viewer, handle: (*Control).listTeams, id: "listTeams", summary: "Teams of an account in the order of their creation", query: []param{after, limit}, answer: teamsAnswer{}},
		{method: "POST", path: v1 + "accounts/{id}/teams", level: admin, handle: (*Control).createTeam, id: "createTeam", summary: "Make a team of an account", query: noting, body: accountBody{}, answer: teamAnswer{}, status: 201},
		{method: "GET", path: v1 + "accounts/{id}/teams/{team}", level: viewer, handle: (*Control).getTeam, id: "getTeam", summary: "A team", answer: teamAnswer{}},
		{method: "PATCH", path: v1 + "accounts/{id}/teams/{team}", level: admin, handle: (*Control).patchTeam, id: "patchTeam", summary: "Change a team", query: noting, body: accountPatch{}, answer: teamAnswer{}},
		{method: "POST", path: v1 + "accounts/{id}/teams/{team}/close", level: admin, ends: true, handle: (*Control).closeTeam, id: "closeTeam", summary: "Close a team for good: all its keys are refused", query: noting, body: whyBody{}, optional: true, answer: teamAnswer{}},

		{method: "GET", path: v1 + "keys", level: viewer, handle: (*Control).listKeys, id: "listKeys", summary: "Keys in the order of their creation", query: []param{after, limit, ofAccount, ofTeam}, answer: keysAnswer{}},
		{method: "GET", path: v1 + "keys/{id}", level: viewer, handle: (*Control).getKey, id: "getKey", summary: "A key", answer: keyAnswer{}},
		{method: "PATCH", path: v1 + "keys/{id}", level: admin, ends: true, handle: (*Control).patchKey, id: "patchKey", summary: "Change what a key may do; disable or enable it", query: noting, body: keyPatch{}, answer: keyAnswer{}},
		{method: "POST", path: v1 + "keys/{id}/rotate", level: admin, ends: true, handle: (*Control).rotateKey, id: "rotateKey", summary: "Give a key another secret, which is shown this once; the one before stays good for a while", query: noting, body: rotateBody{}, optional: true, answer: newKeyAnswer{}},
		{method: "POST", path: v1 + "keys", level: admin, handle: (*Control).createKey, id: "createKey", summary: "Make a key; its secret is shown this once", query: noting, body: keyBody{}, answer: newKeyAnswer{}, status: 201},
		{method: "DELETE", path: v1 + "keys/{id}", level: admin, ends: true, handle: (*Control).revokeKey, id: "deleteKey", summary: "Revoke a key", query: noting, answer: keyAnswer{}},
		{method: "POST", path: v1 + "keys/{id}/revoke", level: admin, ends: true, handle: (*Control).revokeKey, id: "revokeKey", summary: "Revoke a key", query: noting, body: whyBody{}, optional: true, answer: keyAnswer{}},

		{method: "GET", path: v1 + "secrets", level: viewer, handle: (*Control).listSecrets, id: "listSecrets", summary: "Names of stored secrets and who uses them; never values", answer: secretsAnswer{}},
		{method: "PUT", path: v1 + "secrets/{name}", level: admin, handle: (*Control).putSecret, id: "putSecret", summary: "Store a secret, or its next value", query: noting, body: secretBody{}, answer: secretAnswer{}},
		{method: "DELETE", path: v1 + "secrets/{name}", level: admin, handle: (*Control).deleteSecret, id: "deleteSecret", summary: "Take a secret's value away", query: noting, answer: secretAnswer{}},

		{method: "GET", path: v1 + "nodes", level: viewer, handle: (*Control).listNodes, id: "listNodes", summary: "Nodes of the fleet and what they say of themselves", answer: nodesAnswer{}},
		{method: "POST", path: v1 + "nodes", level: admin, handle: (*Control).addNode, id: "addNode", summary: "Let a node join; its token is shown this once", query: noting, body: nodeBody{}, answer: newNodeAnswer{}, status: 201},
		{method: "DELETE", path: v1 + "nodes/{name}", level: admin, ends: true, handle: (*Control).removeNode, id: "removeNode", summary: "Shut a node out", query: noting, answer: nodeAnswer{}},

		{method: "GET", path: v1 + "tokens", level: viewer, handle: (*Control).listTokens, id: "listTokens", summary: "Admin tokens; never their secrets", answer: tokensAnswer{}},
		{method: "POST", path: v1 + "tokens", level: admin, handle: (*Control).createToken, id: "createToken", summary: "Make an admin token; its secret is shown this once", query: []param{why}, body: tokenBody{}, answer: newTokenAnswer{}, status: 201},
		{method: "DELETE", path: v1 + "tokens/{id}", level: admin, ends: true, handle: (*Control).revokeToken, id: "revokeToken", summary: "Revoke an admin token", query: []param{why}, answer: fairlead.Token{}},

		{method: "GET", path: v1 + "records", level: viewer, handle: (*Control).listRecords, id: "listRecords", summary: "Records of exchanges of a time, the newest first", query: recordParams, answer: recordsAnswer{}, search: true},
		{method: "GET", path: v1 + "records/tail", level: viewer, handle: (*Control).tailRecords, id: "tailRecords", summary: "Records as they come up, as server-sent events", query: tailParams, answer: nil, gives: eventType, follows: true},
		{method: "GET", path: v1 + "records/{id}", level: viewer, handle: (*Control).getRecord, id: "getRecord", summary: "What is known of an exchange: its record, its charge lines, its revision", answer: exchangeAnswer{}, search: true},

		{method: "GET", path: v1 + "audit", level: viewer, handle: (*Control).listAudit, id: "listAudit", summary: "Who did what, the newest first", query: auditParams, answer: auditAnswer{}},
		{method: "GET", path: v1 + "audit/verify", level: viewer, handle: (*Control).verifyAudit, id: "verifyAudit", summary: "Go through the log and the audit and check every hash", answer: verifyAnswer{}, walk: true},
		{method: "GET", path: v1 + "backup", level: admin, handle: (*Control).backup, id: "backup", summary: "Everything in the store, as one stream", query: []param{why}, gives: gzipType, walk: true},
		{method: "GET", path: v1 + "lost", level: viewer, handle: (*Control).listLost, id: "listLost", summary: "Changes that nodes had seen and a restored store lacks", answer: lostAnswer{}},
	}, creditRoutes()...)
}
