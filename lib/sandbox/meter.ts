// Makes of a contract's source the code that is run: the same program, and its meter.

import { MAX_DEPTH } from './realm/meter.js'
import { at, parse, type Parsed } from './parse.js'
import { costOf } from './transform/costs.js'
import type { Node } from './transform/nodes.js'
import { transform } from './transform/transform.js'
import type { Problem } from './types.js'

// The counters are variables of the code itself, and so are the hooks that change them: that is several times faster than
// properties of an object. `$$h` are the hooks of realm/hooks.ts.
const PROLOGUE = `let $$g=$$h.gas,$$d=0,$$v;\
const{t:$$t,a:$$a,c:$$c,p:$$p,j:$$j,q:$$q,l:$$l,o:$$o,n:$$n,w:$$w,k:$$k,z:$$z,i:$$i,m:$$m,f:$$f,u:$$u,len:$$len,sh:$$sh,pow:$$pow,re:$$re}=$$h,\
$$x=()=>$$t($$g<0),$$b=v=>v,\
$$r=(v,w)=>{$$d=w;if(($$g-=4)<0)$$x();return v},\
$$y=(v,w)=>{if(($$g-=4)<0||($$d+=w)>${MAX_DEPTH})$$x();return v};\
$$h.bind({spend:n=>$$g-=n,gas:()=>$$g,stop:()=>{$$g=-1},depth:()=>$$d,caught:()=>$$v,setDepth:d=>{$$d=d}});`

/**
 * @param source a script that `parse` has found no problem in
 * @param parsed what `parse` has returned
 * @returns a function expression that takes module, exports, System, console and the hooks; line n of the contract is
 * line n of it
 * @throws SyntaxError on the little that cannot be metered
 */
export function meter(source: string, { code, program }: Parsed): string {
  const root = (code === source ? program : parse(code).program) as unknown as Node
  const body = transform(code, root)
  // one function deeper, so that `arguments` does not show what the wrapper was given
  const before = `(function(module,exports,System,console,$$h){'use strict';${PROLOGUE}if(($$g-=${costOf(root)})<0)$$x();(function(){`
  return `${before}${body}\n})()})`
}

/** What `meter` refuses, as a problem. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof SyntaxError)) throw error
  return at('loc' in error ? (error.loc as { line: number; column: number }) : undefined, error.message)
}

/**
 * The same for a source as it stands in genesis, to be used outside of the sandbox.
 * @throws SyntaxError on what no contract may have
 */
export function meterSource(source: string): string {
  const parsed = parse(source)
  if (parsed.problems.length > 0) throw new SyntaxError(parsed.problems[0].message)
  return meter(source, parsed)
}
