// Steps back and forth. No DOM.

const MAX_STEPS = 300;

/** What can be undone; who extends it goes one way by `travel(step, isBack)`, which gives the step for the way back. */
export class History {
	done = [];
	undone = [];

	/** Remember a step; what was undone before is gone. */
	note(step) {
		this.done.push(step);
		if (this.done.length > MAX_STEPS) this.done.shift();
		this.undone = [];
		return true;
	}

	/** Take the last step back; whether there was one. */
	undo() {
		return this.#go(this.done, this.undone, true);
	}

	/** Do the last undone step again; whether there was one. */
	redo() {
		return this.#go(this.undone, this.done, false);
	}

	#go(from, to, isBack) {
		if (!from.length) return false;
		to.push(this.travel(from.pop(), isBack));
		return true;
	}
}
