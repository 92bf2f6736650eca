from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
name = 'page.html'

def root(context, missing=missing):
    resolve = context.resolve_or_missing
    undefined = environment.undefined
    concat = environment.concat
    cond_expr_undefined = Undefined
    if 0: yield None
    l_0_style_hash = resolve('style_hash')
    l_0_script_hash = resolve('script_hash')
    l_0_page = resolve('page')
    l_0_style = resolve('style')
    l_0_section = resolve('section')
    l_0_script = resolve('script')
    l_0_parts = missing
    try:
        t_1 = environment.filters['breakable']
    except KeyError:
        @internalcode
        def t_1(*unused):
            raise TemplateRuntimeError("No filter named 'breakable' found.")
    try:
        t_2 = environment.filters['join']
    except KeyError:
        @internalcode
        def t_2(*unused):
            raise TemplateRuntimeError("No filter named 'join' found.")
    try:
        t_3 = environment.filters['shorten']
    except KeyError:
        @internalcode
        def t_3(*unused):
            raise TemplateRuntimeError("No filter named 'shorten' found.")
    pass
    l_0_parts = context.vars['parts'] = environment.get_template('parts.html', 'page.html')._get_default_module(context)
    context.exported_vars.discard('parts')
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \''
    yield escape(environment.finalize((undefined(name='style_hash') if l_0_style_hash is missing else l_0_style_hash)))
    yield "'; script-src '"
    yield escape(environment.finalize((undefined(name='script_hash') if l_0_script_hash is missing else l_0_script_hash)))
    yield '\'; img-src data:; base-uri \'none\'; form-action \'none\'">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n<title>'
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'title')))
    yield ' – humouse-doctor</title>\n<link rel="icon" href="data:,">\n<style>'
    yield escape(environment.finalize((undefined(name='style') if l_0_style is missing else l_0_style)))
    yield '</style>\n</head>\n<body>\n<a class="skip" href="#main">Skip to the report</a>\n<header class="verdict '
    yield escape(environment.finalize(environment.getattr(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'badge'), 'style')))
    yield '">\n  <div class="wide">\n    <h1><span class="word">'
    yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'badge'))))
    yield '</span> <span class="name">'
    yield escape(environment.finalize(t_1(t_3(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'heading')))))
    yield '</span></h1>\n    <p class="sentence">'
    yield escape(environment.finalize(t_1(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sentence'))))
    yield '</p>\n'
    if (environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials') and environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sections')):
        pass
        yield '<p class="came">'
        yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials'), 'badge'))))
        yield ' '
        yield escape(environment.finalize(environment.getattr(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials'), 'sentence')))
        yield '</p>'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'facts'):
        pass
        yield '<p class="facts">'
        yield escape(environment.finalize(t_2(context.eval_ctx, environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'facts'), ' · ')))
        yield '</p>'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'next_command'):
        pass
        yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'typed'), 'next', environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'next_words'), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'next_command'))))
    yield '  </div>\n</header>\n<main id="main" class="wide" tabindex="-1">\n'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'comparison'):
        pass
        yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'compared'), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'comparison'))))
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'single'):
        pass
        l_0_section = environment.getitem(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sections'), 0)
        context.vars['section'] = l_0_section
        context.exported_vars.add('section')
        yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'contents'), (undefined(name='section') if l_0_section is missing else l_0_section), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials'))))
        yield '\n'
        yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'body'), (undefined(name='section') if l_0_section is missing else l_0_section), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials'), 2)))
        yield '\n'
    elif environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sections'):
        pass
        yield '<section>\n<h2 id="all">All inputs, the worst first</h2>\n<div class="scroll fits" tabindex="0" role="group" aria-label="All inputs">\n<table class="summary">\n<thead><tr><th scope="col">Gate</th><th scope="col">Input</th><th scope="col">Verdict</th><th scope="col">First to look at</th></tr></thead>\n<tbody>\n'
        for l_1_section in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sections'):
            _loop_vars = {}
            pass
            yield '<tr><td>'
            yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr(l_1_section, 'gate'), _loop_vars=_loop_vars)))
            yield '</td><td class="long"><a href="#'
            yield escape(environment.finalize(environment.getattr(l_1_section, 'id')))
            yield '">'
            yield escape(environment.finalize(t_1(t_3(environment.getattr(environment.getattr(l_1_section, 'entry'), 'name')))))
            yield '</a></td><td>'
            yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr(l_1_section, 'badge'), _loop_vars=_loop_vars)))
            yield '</td><td>'
            yield escape(environment.finalize(environment.getattr(l_1_section, 'failing')))
            yield '</td></tr>\n'
        l_1_section = missing
        yield '</tbody>\n</table>\n</div>\n</section>\n'
    if (not environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'single')):
        pass
        if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials'):
            pass
            yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'trials'), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'trials'), 2, (not environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sections')))))
        for l_1_section in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sections'):
            _loop_vars = {}
            pass
            yield '<details class="input '
            yield escape(environment.finalize(environment.getattr(environment.getattr(l_1_section, 'badge'), 'style')))
            yield '" id="'
            yield escape(environment.finalize(environment.getattr(l_1_section, 'id')))
            yield '"'
            if (not environment.getattr(environment.getattr(l_1_section, 'entry'), 'passed')):
                pass
                yield ' open'
            yield '>\n<summary><h2>'
            yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr(l_1_section, 'badge'), _loop_vars=_loop_vars)))
            yield ' <span class="name">'
            yield escape(environment.finalize(t_1(t_3(environment.getattr(environment.getattr(l_1_section, 'entry'), 'name')))))
            yield '</span></h2></summary>\n<div class="inside">\n<p class="sentence">'
            yield escape(environment.finalize(t_1(environment.getattr(environment.getattr(l_1_section, 'entry'), 'sentence'))))
            yield '</p>\n'
            yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'body'), l_1_section, None, 3, _loop_vars=_loop_vars)))
            yield '\n</div>\n</details>\n'
        l_1_section = missing
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'notes'):
        pass
        yield '<section>\n<h2 id="notes">Notes</h2>\n<ul>'
        for l_1_note in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'notes'):
            _loop_vars = {}
            pass
            yield '<li>'
            yield escape(environment.finalize(t_1(l_1_note)))
            yield '</li>'
        l_1_note = missing
        yield '</ul>\n</section>\n'
    yield '</main>\n<footer><div class="wide">\n<p>humouse-doctor '
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'tool_version')))
    yield ' · exit code '
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'exit_code')))
    for l_1_part in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'policy'):
        _loop_vars = {}
        pass
        yield ' · '
        yield escape(environment.finalize(l_1_part))
    l_1_part = missing
    yield '</p>\n</div></footer>\n<p id="copy-status" class="unseen" role="status"></p>\n<script>'
    yield escape(environment.finalize((undefined(name='script') if l_0_script is missing else l_0_script)))
    yield '</script>\n</body>\n</html>'

blocks = {}
debug_info = '1=36&6=39&10=43&12=45&16=47&18=49&19=53&20=55&21=62&22=67&26=71&27=74&28=76&29=79&30=81&31=83&38=86&39=90&46=102&47=104&48=107&49=111&50=119&52=123&53=125&58=128&61=131&66=140&69=150'