/// <reference path="./types/hypercore.d.ts" preserve="true" />
/// <reference path="./types/swarm.d.ts" preserve="true" />
/// <reference path="./types/util.d.ts" preserve="true" />

// The public API.

export { VMSClient } from './client/client.js'
export type { AnyContract, Client, ClientOptions, Local, LocalMembers, Methods } from './client/client.js'
export type { CallOptions, CallResult } from './client/calls.js'
export type { LocalResult } from './client/local.js'
export type { Info } from './client/info.js'
export { CallError } from './client/errors.js'
export { VMSError, ERROR_CODES } from './errors.js'
export type { ErrorCode } from './errors.js'
export { FileError } from './files/errors.js'
export type { FileErrorCode } from './files/errors.js'
export type { FileStat } from './files/system.js'
export { Host } from './host/host.js'
export type { DeployOptions, HostOptions } from './host/host.js'
export type { HostStatus, PolicyStatus, VMStatus } from './host/status.js'
export { audit } from './audit/index.js'
export type { AuditKeyOptions } from './audit/index.js'
export type { AuditResult, Doubt, Finding, Kind, Verdict } from './audit/findings.js'
export { verifyProof } from './audit/proof/index.js'
export type { ProofVerdict, Verification, VerifiedFinding, VerifyOptions } from './audit/proof/index.js'
export type { Attested, Verified } from './replica/verified.js'
export { decodeKey, encodeKey } from './ledger/keys.js'
export { decodeValue, encodeValue, toValue } from './ledger/values.js'
export type { Value } from './ledger/values.js'
export type { Limits } from './ledger/blocks.js'
export { loadIdentity } from './user/identity.js'
export { bundle } from './sandbox/bundle.js'
export type { Bundle } from './sandbox/bundle.js'
