/** A dialog with a form that stays open, with all that was typed, until what it asks for has succeeded. */
import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { ApiError } from '../api/errors';
import { Trouble, troubleOf } from '../components/loading';
import { Problem } from '../components/parts';

export interface Form<T> {
  title: string;
  accept: string;
  initial: T;
  draw: (value: T, change: (value: T) => void) => JSX.Element;
  /** Rejects to keep the dialog open, with what is wrong. */
  submit: (value: T) => Promise<void>;
}

const ACCEPT = 1;

class FormBody<T> extends ReactWidget {
  trouble: Trouble | null = null;
  isBusy = false;

  constructor(
    private readonly form: Form<T>,
    public value: T
  ) {
    super();
    this.addClass('mlstack-dialog');
  }

  override render(): JSX.Element {
    const change = (value: T): void => {
      this.value = value;
      this.update();
    };
    return (
      <>
        <div className="mlstack-dialog-form">{this.form.draw(this.value, change)}</div>
        {this.trouble && <Problem trouble={this.trouble} />}
        {this.isBusy && (
          <p className="mlstack-empty" role="status">
            One moment…
          </p>
        )}
      </>
    );
  }
}

class FormDialog<T> extends Dialog<T> {
  constructor(
    private readonly form: Form<T>,
    private readonly content = new FormBody(form, form.initial)
  ) {
    super({
      title: form.title,
      body: content,
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: form.accept })],
      focusNodeSelector: '.mlstack-dialog input, .mlstack-dialog select'
    });
    this.addClass('mlstack-dialog-frame');
  }

  override resolve(index: number = ACCEPT): void {
    if (index !== ACCEPT) {
      super.resolve(index);
    } else if (!this.content.isBusy) {
      void this.submit();
    }
  }

  private async submit(): Promise<void> {
    this.tell({ isBusy: true, trouble: null });
    try {
      await this.form.submit(this.content.value);
    } catch (error) {
      this.tell({ isBusy: false, trouble: troubleOf(error) });
      return;
    }
    super.resolve(ACCEPT);
  }

  private tell(state: { isBusy: boolean; trouble: Trouble | null }): void {
    Object.assign(this.content, state);
    this.content.update();
  }
}

/** Shows the form; resolves when it has succeeded or was left. */
export async function showForm<T>(form: Form<T>): Promise<void> {
  await new FormDialog(form).launch();
}

/** What `submit` throws for fields with mistakes, which the form shows beside them too. */
export function mistaken(mistakes: Record<string, string>): ApiError {
  const [[name, text]] = Object.entries(mistakes);
  return new ApiError(`${name}: ${text}`, '', 0);
}
