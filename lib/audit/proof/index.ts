// Proofs of fraud: self-contained files that convince a third party of what an auditor, or a client, has seen. The outer form
// is in ledger/sealed.ts, each type in a module of its own.

export { challengeOfAnswer, proveAnswer, proveAnswerBeyond } from './answer.js'
export { challengeOfFiles, proveUnlogged, signedFiles, type FilesCore, type SignedFiles } from './unlogged.js'
export {
  verifyProof,
  type ProofVerdict,
  type Verification,
  type VerifiedFinding,
  type VerifyOptions
} from './verify.js'
export { writeProof, type ProofSource } from './write.js'
